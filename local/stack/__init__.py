"""The embedded stack: builds template.yaml and deploys it to the emulator, on this machine."""
