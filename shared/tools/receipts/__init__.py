"""What a call changed: documents compared, without their secrets."""
