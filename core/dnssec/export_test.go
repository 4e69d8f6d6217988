package dnssec

// What tests need.
var AppendSuccessor = appendSuccessor
