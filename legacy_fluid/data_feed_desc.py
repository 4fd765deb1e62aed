"""`fluid.data_feed_desc`: how a text file's lines hold a program's inputs."""

from paddle.base.data_feed_desc import DataFeedDesc

__all__ = ["DataFeedDesc"]
