"""What every service runs on: settings, telemetry, the loop, the life of a process."""
