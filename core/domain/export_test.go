package domain

// What tests need.
var Within = within
