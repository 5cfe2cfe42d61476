"""OpenTelemetry Collector configs: values, component tables per version, checks, and the graphs we build."""
