"""Reading many images shard by shard: what is finished stays, and what is missing is done."""
