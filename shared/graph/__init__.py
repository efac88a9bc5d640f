"""The Apache AGE graph on PostgreSQL: one connector, statements as named data, one repository a thing."""
