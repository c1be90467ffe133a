"""Care at a distance: visits planned, held and written down."""
