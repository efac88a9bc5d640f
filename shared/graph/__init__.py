"""The Apache AGE graph in PostgreSQL: one connector, statements as data, and one repository for each kind of data."""
