package load

import "testing"

// TestShapes holds what of a table may differ once its rows are in.
func TestShapes(t *testing.T) {
	t.Parallel()
	const head = "CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT COMMENT ') ENGINE=x AUTO_INCREMENT=9 ',\n  PRIMARY KEY (`id`)\n"
	was := shapeOf(head + ") ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb4")
	for create, want := range map[string]bool{
		head + ") ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb4":  true,
		head + ") ENGINE=InnoDB AUTO_INCREMENT=10 DEFAULT CHARSET=utf8mb4": true,
		head + ") ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4":  false,
		head + ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4":                   false,
		head + ") ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb3":  false,
		head + ") ENGINE=MyISAM AUTO_INCREMENT=9 DEFAULT CHARSET=utf8mb4":  false,
	} {
		if got := shapeOf(create).holds(was); got != want {
			t.Errorf("%v, not %v: %s", got, want, create)
		}
	}
}
