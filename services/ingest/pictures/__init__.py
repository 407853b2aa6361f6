"""What hostile pictures and colour LUTs hold: stills, and uploads that are to be assets."""
