//! The service from outside: over loopback, on free ports, each test with a service of its own.

#[cfg(test)]
mod it {
    mod chances;
    mod contract;
    mod documents;
    mod framing;
    mod horizons;
    mod hostile;
    mod http;
    mod kit;
    mod limits;
    mod numbers;
    mod process;
    mod registry;
    mod shelf;
}
