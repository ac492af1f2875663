//! Does each option do its work, and is what was set kept?
