//! The pages' islands, as the one WebAssembly bundle that a browser loads.
