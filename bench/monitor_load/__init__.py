"""What the benchmark of the monitor stands on: a full record, and pages that are open without a browser."""
