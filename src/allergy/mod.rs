//! Allergies.
