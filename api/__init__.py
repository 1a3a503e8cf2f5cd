"""What people and programs see of Ballast, and the few things they may tell it to do."""
