//! Each layer of the campaign, small and with a fixed seed.
