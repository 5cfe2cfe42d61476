"""Tests that come with the rules: what each rule means, as input series and what must come of them."""
