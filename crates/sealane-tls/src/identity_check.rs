//! The identity check of the https module, on the certificate object, exactly as documented.
