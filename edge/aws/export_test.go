package aws

// What tests need.
const DefaultAccount = defaultAccount
