package doh

// What tests need.
const Path = path

var Handler = handler
