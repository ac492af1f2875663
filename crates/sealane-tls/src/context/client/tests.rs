//! Does the gate judge full and resumed handshakes, and say why?
