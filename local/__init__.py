"""What runs on a developer's machine; nothing here is deployed.

demo, up       `make demo`, `make up` and `make down`
cardvault      the whole product, running here: embedded stack and supplier sandbox
stack          the embedded stack: builds template.yaml and deploys it to the emulator
emulator       AWS, as far as the template needs it
sandbox        the supplier
console        the web page of `make up`
clients        a shop, its gift-card program, a customer and the mailbox
leak_scan      looks for codes wherever the stack keeps anything
rollout        `make deploy` and `make protect`, to AWS
retained       prepares the import of retained resources into a new stack
"""
