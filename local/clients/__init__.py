"""Users of a running Cardvault, for the demo, the console and the tests."""
