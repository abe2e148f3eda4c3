"""Reading many pictures shard by shard: what is finished stays, and what is missing is done."""
