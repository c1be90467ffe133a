"""Large code systems: how they are laid out in a store, and how they are asked."""
