"""What reads gift cards: details, lists, the balance check, the verifier."""
