"""What owners and hunters of a bounty write in, a folder of rules, sealed files, submissions and a ledger out."""
