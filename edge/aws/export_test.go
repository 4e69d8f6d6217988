package aws

// What tests need.
const DefaultAccount = DefaultAccount
