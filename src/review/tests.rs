//! The roll-up, the edits and the checks of decisions, on small items.
