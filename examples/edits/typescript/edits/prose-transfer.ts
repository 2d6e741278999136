Please change the transfer function so that both buildings are checked first.
If the second building does not know the product, nothing should leave the
first one. The error should say which of the two buildings has the problem.
