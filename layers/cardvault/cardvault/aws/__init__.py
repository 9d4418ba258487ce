"""What every function needs of AWS: clients, settings, tables, logs, metrics."""
