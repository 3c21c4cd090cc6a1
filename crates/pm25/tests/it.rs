//! The conductor through its front door: real processes, small shell scripts as stages.

#[cfg(test)]
mod it {
    mod face;
    mod folder;
    mod house;
    mod processes;
    mod refuse;
    mod shipped;
    mod staleness;
    mod trouble;
}
