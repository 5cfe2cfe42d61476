"""PromQL as far as the compiler reads it: parsing, selectors, safe rewriting and checks against a catalogue."""
