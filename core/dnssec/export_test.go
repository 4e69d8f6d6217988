package dnssec

// What tests need.
const PublishTime = publishTime

var AppendSuccessor = appendSuccessor
