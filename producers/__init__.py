"""The edge: capture, gateways, publishing."""
