//! `pm25-registry` through its front door.

#[cfg(test)]
mod it {
    mod card;
    mod exchange;
    mod face;
    mod gates;
    mod horizons;
    mod many;
    mod papers;
    mod shop;
    mod sound;
}
