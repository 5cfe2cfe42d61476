"""What a declared load needs: pure formulas over named constants, no policy and no effect."""
