"""Project files as text: read, planned, rendered, checked. No host, no network, no subprocess."""
