//! `pm25-drift` through its front door.

#[cfg(test)]
mod it {
    mod faces;
    mod house;
    mod models;
    mod real;
    mod refuse;
    mod requests;
    mod season;
    mod stranger;
    mod verdicts;
}
