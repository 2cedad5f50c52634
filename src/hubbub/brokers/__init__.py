"""The live log between who accepts comments and who shows them: the `Broker` port (`base`) and an adapter a module."""
