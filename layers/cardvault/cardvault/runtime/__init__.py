"""What every function needs: settings, clock, ids, logs, AWS clients, HTTP."""
