"""Test components: contract checks, fakes and builders."""
