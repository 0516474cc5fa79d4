"""Pure vocabulary of the platform: which things exist, where they live, how they are keyed and what states they have."""
