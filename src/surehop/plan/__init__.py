"""Model -> Plan, the plain data that the data plane runs."""
