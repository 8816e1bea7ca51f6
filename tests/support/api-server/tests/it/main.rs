//! What the API server does, asked through the real kube client in paused time.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod controllers;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod status;
#[cfg(test)]
mod support;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod views;
#[cfg(test)]
mod watches;
