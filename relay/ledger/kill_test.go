package ledger

func beKilled() bool { return false }
