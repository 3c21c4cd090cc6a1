//! `pm25-predict` through its front door.

#[cfg(test)]
mod it {
    mod bits;
    mod chain;
    mod horizons;
    mod house;
    mod online;
    mod served;
    mod thousand;
}
