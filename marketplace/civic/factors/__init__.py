"""Second factors: one-time codes, passkeys, recovery codes; asking again before what matters."""
