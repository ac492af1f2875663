//! Why an identity was not believed: cause, evidence, next step, and the stable code.
