"""What a control policy would do: traces, the law along them, and plots of it."""
