"""The console: what someone who evaluates Cardvault opens first.

    with running() as vault, Console(vault) as console:
        print(console.url)

`/` places an order, with the fault of your choice, and follows it live; `/gift-cards` issues a
gift card and spends it; `/mailbox` shows the mails.
"""

from local.console.server import Console

__all__ = ["Console"]
